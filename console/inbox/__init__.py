"""The inbox: its page with views and filters, bulk changes, and the stream that open lists listen to."""
