"""``nvczoo plugin new``: a complete package of one's own, with a part that works and a test that it does."""
