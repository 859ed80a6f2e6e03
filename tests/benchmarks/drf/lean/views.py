"""List, create, retrieve and change batch requests of a channel."""

from typing import Any

from django.db import transaction
from django.http import Http404
from lean.bodies import change, checked, shown
from lean.known import must_be_channel
from lean.models import BatchRequest, Status
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

ORDERINGS = {
    prefix + name for prefix in ("", "-") for name in ("pk", "created_date", "modified_date", "status", "content_type")
}


class Pages(PageNumberPagination):
    page_size = 20
    page_size_query_param = "limit"
    max_page_size = 100


class View(APIView):
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        must_be_channel(self.kwargs["channel_id"])


class Collection(View):
    def get(self, request: Request, channel_id: int) -> Response:
        asked = request.query_params
        found = BatchRequest.objects.filter(channel_id=channel_id).defer("log_file")
        if statuses := asked.getlist("status"):
            if unknown := set(statuses) - set(Status.values):
                raise ValidationError({"status": [f"{', '.join(unknown)} is not one of the available choices."]})
            found = found.filter(status__in=statuses)
        if "content_type" in asked:
            found = found.filter(content_type=asked["content_type"])
        ordering = [name for name in asked.get("ordering", "pk").split(",") if name in ORDERINGS]
        pages = Pages()
        page = pages.paginate_queryset(found.order_by(*(ordering or ["pk"])), request, self)
        return pages.get_paginated_response([shown(batch) for batch in page or ()])

    def post(self, request: Request, channel_id: int) -> Response:
        if "channel" not in request.data:
            raise ValidationError({"channel": ["This field is required."]})
        checked(request.data, channel_id)
        return Response(shown(BatchRequest.objects.create(channel_id=channel_id)), 201)


class Single(View):
    def get(self, request: Request, channel_id: int, pk: int) -> Response:
        return Response(shown(_one(BatchRequest.objects.defer("log_file"), channel_id, pk)))

    def patch(self, request: Request, channel_id: int, pk: int) -> Response:
        wanted = checked(request.data, channel_id)
        with transaction.atomic():
            batch = _one(BatchRequest.objects.defer("log_file").select_for_update(), channel_id, pk)
            change(batch, wanted)
            batch.save(
                update_fields=[*wanted, *(["objects_list"] if "objects" in request.data else ()), "modified_date"]
            )
        return Response(shown(batch))


def _one(found: Any, channel_id: int, pk: int) -> BatchRequest:
    try:
        batch: BatchRequest = found.get(channel_id=channel_id, pk=pk)
    except BatchRequest.DoesNotExist as error:
        raise Http404 from error
    return batch
