#!/bin/sh
# packages must not start their services in a build
exit 101
