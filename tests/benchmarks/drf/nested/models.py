"""Batch requests with their objects in a child table, indexed for every filter and ordering that the API offers."""

import uuid

from django.db import models


class Status(models.TextChoices):
    INITIALIZED = "initialized"
    COMMIT = "commit"
    SENT_TO_REMOTE = "sent_to_remote"
    ONGOING = "ongoing"
    DONE = "done"
    FAIL = "fail"


class Channel(models.Model):
    name = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class BatchRequest(models.Model):
    channel = models.ForeignKey(Channel, models.CASCADE, db_index=False)
    local_batch_id = models.UUIDField(default=uuid.uuid4, editable=False)
    remote_batch_id = models.CharField(max_length=255, null=True, blank=True)
    content_type = models.CharField(max_length=255, null=True, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.INITIALIZED)
    created_date = models.DateTimeField(auto_now_add=True)
    modified_date = models.DateTimeField(auto_now=True)
    log_file = models.TextField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["channel", "id"], name="batch_pk"),
            models.Index(fields=["channel", "status", "id"], name="batch_status"),
            models.Index(fields=["channel", "content_type", "id"], name="batch_type"),
            models.Index(fields=["channel", "created_date", "id"], name="batch_created"),
            models.Index(fields=["channel", "modified_date", "id"], name="batch_modified"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"


class BatchRequestObject(models.Model):
    batch_request = models.ForeignKey(BatchRequest, models.CASCADE, related_name="objects_list", db_index=False)
    object_pk = models.BigIntegerField()
    content_type = models.CharField(max_length=255, blank=True, default="")
    failed_reason_type = models.CharField(max_length=255, null=True, blank=True)
    remote_id = models.CharField(max_length=255, null=True, blank=True)
    # Text, since it must come back exactly as it came.
    version_date = models.CharField(max_length=64, null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["batch_request", "content_type", "object_pk"], name="object_twin"),
        )

    def __str__(self) -> str:
        return f"{self.content_type} {self.object_pk}"
