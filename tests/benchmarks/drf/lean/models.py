"""Batch requests with their objects in one JSON column, indexed for every filter and ordering that the API offers."""

import uuid

from django.db import models


class Status(models.TextChoices):
    INITIALIZED = "initialized"
    COMMIT = "commit"
    SENT_TO_REMOTE = "sent_to_remote"
    ONGOING = "ongoing"
    DONE = "done"
    FAIL = "fail"


class Json(models.TextField):
    """A JSON column that is read and written as text: it goes out as it is, and is parsed only to be changed."""

    def db_type(self, connection: object) -> str:
        return "jsonb"


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
    objects_list = Json(null=True)
    created_date = models.DateTimeField(auto_now_add=True)
    modified_date = models.DateTimeField(auto_now=True)
    log_file = models.TextField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["channel", "id"], name="lean_pk"),
            models.Index(fields=["channel", "status", "id"], name="lean_status"),
            models.Index(fields=["channel", "content_type", "id"], name="lean_type"),
            models.Index(fields=["channel", "created_date", "id"], name="lean_created"),
            models.Index(fields=["channel", "modified_date", "id"], name="lean_modified"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"
