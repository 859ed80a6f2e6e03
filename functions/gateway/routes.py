"""The routes of the service, as `make generate` finds them in the functions."""

import json
from pathlib import Path

from batchyard.http.routes import Routes

ROUTES = Routes(json.loads((Path(__file__).parent / "routes.json").read_text()))
