"""What the routes of files have in common."""

from typing import Any

from batchyard.http.bodies import FORM
from batchyard.scope import Rights
from batchyard.uploads.rules import LARGEST_TOGETHER, MOST_TOGETHER

TAG = "Files"

WRITES = Rights(catalogue=True)
READS = Rights(catalogue=True, reads=True)

FIELD = "files"
"""The field of the form that the files are in."""

FORM_OF_FILES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MOST_TOGETHER,
                            "items": {"type": "string", "format": "binary", "maxLength": LARGEST_TOGETHER},
                        }
                    },
                }
            }
        },
    }
}
"""What the OpenAPI document says of the form."""
