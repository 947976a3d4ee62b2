"""A new plugin from a template: a whole package that works before a line of it is changed."""

from zoo.scaffold.making import Made, make_plugin

__all__ = ["Made", "make_plugin"]
