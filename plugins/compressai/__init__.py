"""CompressAI's models as parts of ours: its networks, our streams and our coder."""
