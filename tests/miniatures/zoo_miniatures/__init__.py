"""Five miniature plugins, each written against ``zoo.api`` alone, as a stranger would."""
