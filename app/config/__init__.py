"""Configuration: the only reader of the environment."""

from app.config.admin_key import admin_api_key
from app.config.example import env_example
from app.config.readers import Network, Secret
from app.config.settings import ConfigError, LogFormat, LogLevel, Settings, wants_demo

__all__ = [
    "ConfigError",
    "LogFormat",
    "LogLevel",
    "Network",
    "Secret",
    "Settings",
    "admin_api_key",
    "env_example",
    "wants_demo",
]
