"""The outside world over real HTTP: emulated WAHA, Kaspi and model, for the demo and the tests."""
