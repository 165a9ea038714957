"""ai-seller: a WhatsApp selling assistant for Kaspi.kz sellers."""

__version__ = "0.1.0"
