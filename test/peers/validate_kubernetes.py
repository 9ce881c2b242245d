"""Checks manifests strictly against the schema of a version of Kubernetes: argv are the version and files of JSON lists.
Prints what is wrong with each, null where nothing is."""

import json
import sys

import kubernetes_validate

version, file = sys.argv[1:]
found = []
for manifest in json.load(open(file)):
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
        found.append(None)
    except kubernetes_validate.ValidationError as error:
        found.append(error.message)
print(json.dumps(found))
