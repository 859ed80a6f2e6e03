"""Where a request comes from."""

import pytest

from batchyard.http.source import source


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("test-invoke-source-ip", "test-invoke-source-ip"),
    ],
)
def test_an_address_counts_as_far_as_one_client_has_it(given: str, counted: str) -> None:
    event = {
        "headers": {"X-Forwarded-For": "198.51.100.1"},
        "requestContext": {"identity": {"sourceIp": given}},
    }
    assert source(event) == counted
