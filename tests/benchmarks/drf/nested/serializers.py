"""Bodies of the contract and what a change to a batch request does."""

from typing import Any

from django.db import transaction
from nested.models import BatchRequest, BatchRequestObject, Channel, Status
from rest_framework import serializers

MOVES: dict[str, set[str]] = {
    Status.INITIALIZED: {Status.COMMIT, Status.DONE, Status.FAIL},
    Status.COMMIT: {Status.COMMIT, Status.SENT_TO_REMOTE, Status.DONE, Status.FAIL},
    Status.SENT_TO_REMOTE: {Status.SENT_TO_REMOTE, Status.ONGOING, Status.DONE, Status.FAIL},
    Status.ONGOING: {Status.ONGOING, Status.DONE, Status.FAIL},
    Status.DONE: {Status.DONE},
    Status.FAIL: {Status.FAIL},
}
OBJECT_FIELDS = ["failed_reason_type", "remote_id", "version_date"]


class ObjectSerializer(serializers.ModelSerializer):
    pk = serializers.IntegerField(source="object_pk")

    class Meta:
        model = BatchRequestObject
        fields = ("pk", "content_type", *OBJECT_FIELDS)


class BatchRequestSerializer(serializers.ModelSerializer):
    channel = serializers.PrimaryKeyRelatedField(
        queryset=Channel.objects.all(), pk_field=serializers.IntegerField(), required=False
    )
    log_file = serializers.CharField(write_only=True, required=False, allow_null=True)
    objects = ObjectSerializer(source="objects_list", many=True, required=False, allow_null=True)

    class Meta:
        model = BatchRequest
        fields = (
            "pk",
            "channel",
            "local_batch_id",
            "remote_batch_id",
            "content_type",
            "status",
            "objects",
            "created_date",
            "modified_date",
            "log_file",
        )
        read_only_fields: tuple[str, ...] = ("pk", "local_batch_id", "created_date", "modified_date")

    def validate_channel(self, channel: Channel) -> Channel:
        if channel.pk != self.context["view"].kwargs["channel_id"]:
            raise serializers.ValidationError("The channel of the body is not the channel of the path.")
        return channel

    @transaction.atomic
    def update(self, instance: BatchRequest, validated_data: dict[str, Any]) -> BatchRequest:
        given = validated_data.pop("objects_list", None)
        status = validated_data.get("status", instance.status)
        if status not in MOVES[instance.status]:
            allowed = ", ".join(sorted(MOVES[instance.status]))
            raise serializers.ValidationError(
                {"status": [f"Cannot move from {instance.status} to {status}. Allowed: {allowed}."]}
            )
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save()
        if given:
            BatchRequestObject.objects.bulk_create(
                [BatchRequestObject(batch_request=instance, **entry) for entry in given],
                update_conflicts=True,
                unique_fields=["batch_request", "content_type", "object_pk"],
                update_fields=OBJECT_FIELDS,
            )
        return instance


class OpenBatchRequestSerializer(BatchRequestSerializer):
    """A new batch request takes its channel only; all else has its default."""

    channel = serializers.PrimaryKeyRelatedField(queryset=Channel.objects.all(), pk_field=serializers.IntegerField())

    class Meta(BatchRequestSerializer.Meta):
        read_only_fields = tuple(
            name for name in BatchRequestSerializer.Meta.fields if name not in ("channel", "log_file")
        )
