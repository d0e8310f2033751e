"""What all actors share: the store, the settings, and the active model."""
