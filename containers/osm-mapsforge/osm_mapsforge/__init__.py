"""An OpenStreetMap extract becomes an offline map: handler of the task `osm-mapsforge`."""
