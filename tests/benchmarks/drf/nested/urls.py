"""Routes of the contract, as the replaced service has them."""

from django.urls import include, path
from nested.views import BatchRequestViewSet
from rest_framework.routers import DefaultRouter

router = DefaultRouter()
router.include_root_view = False
router.register("batch_requests", BatchRequestViewSet, basename="batch-request")

urlpatterns = [path("api/v1/channel/<int:channel_id>/", include(router.urls))]
