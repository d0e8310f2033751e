"""What all actors share: the store, the desk's configuration, the active model, the isolation of failing rows."""
