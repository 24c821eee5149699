"""The page that shows the state of the service: one file that loads nothing from elsewhere."""

from importlib.resources import files

#: The page may ask this service for its state, and nobody else for anything.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def page_bytes() -> bytes:
    """Return the page. It holds no figures: its script asks for them, with a token if need be."""
    return (files(__package__) / "page.html").read_bytes()
