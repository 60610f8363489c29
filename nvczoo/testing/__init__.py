"""What those who make parts can test them with."""
