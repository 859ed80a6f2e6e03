"""List, create, retrieve and change batch requests of a channel."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django_filters import rest_framework as filters
from nested.models import BatchRequest, Channel, Status
from nested.serializers import BatchRequestSerializer, OpenBatchRequestSerializer
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet


class BatchRequestFilter(filters.FilterSet):
    status = filters.MultipleChoiceFilter(choices=Status.choices)
    content_type = filters.CharFilter()


class Pages(PageNumberPagination):
    page_size = 20
    page_size_query_param = "limit"
    max_page_size = 100


class BatchRequestViewSet(ModelViewSet):
    pagination_class = Pages
    filterset_class = BatchRequestFilter
    ordering_fields = ("pk", "created_date", "modified_date", "status", "content_type")
    ordering = ("pk",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not Channel.objects.filter(pk=self.kwargs["channel_id"]).exists():
            raise Http404

    def get_queryset(self) -> QuerySet[BatchRequest]:
        found = BatchRequest.objects.filter(channel_id=self.kwargs["channel_id"]).defer("log_file")
        if self.request.method in ("PUT", "PATCH", "DELETE"):
            return found.select_for_update()
        return found.prefetch_related("objects_list")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return OpenBatchRequestSerializer if self.request.method == "POST" else BatchRequestSerializer

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().update(request, *args, **kwargs)
