#!/bin/sh
# Stands for the program in tests: `run --hold LINES -- SCENARIO` does what the lines say.
eval "$3"
