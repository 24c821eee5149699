"""Which training rows each network is not fitted to, so that something is known of new ones."""
