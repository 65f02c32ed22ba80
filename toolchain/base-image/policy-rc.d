#!/bin/sh
# Packages start no services while an image is built: the container's command does.
exit 101
