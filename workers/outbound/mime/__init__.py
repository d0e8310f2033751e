"""An outbound message as MIME: body, headers, DKIM signature."""
