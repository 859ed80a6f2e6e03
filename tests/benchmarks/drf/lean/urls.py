"""Routes of the contract."""

from django.urls import path
from lean.views import Collection, Single

urlpatterns = [
    path("api/v1/channel/<int:channel_id>/batch_requests/", Collection.as_view()),
    path("api/v1/channel/<int:channel_id>/batch_requests/<int:pk>/", Single.as_view()),
]
