"""Networks that grow while they train; a forecaster is one of its hosts."""
