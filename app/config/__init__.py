"""Configuration: the only reader of the environment."""

from app.config.admin_key import admin_api_key
from app.config.example import env_example
from app.config.readers import Network, Secret
from app.config.settings import ConfigError, LogFormat, LogLevel, Settings, wants_demo
from app.config.shop_settings import ShopSettings
from app.config.shops_file import is_open_to_others

__all__ = [
    "ConfigError",
    "LogFormat",
    "LogLevel",
    "Network",
    "Secret",
    "Settings",
    "ShopSettings",
    "admin_api_key",
    "env_example",
    "is_open_to_others",
    "wants_demo",
]
