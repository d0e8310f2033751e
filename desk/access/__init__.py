"""What a requester and an agent may see."""
