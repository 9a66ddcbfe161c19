"""Holds YAML files against the schemas of what they are for.

Called with the folder of the schemas of custom resources and with files. Prints, as JSON, what is
wrong, and how many documents of which kind it looked at. Reads as YAML 1.1 (PyYAML), as kubectl's
older relatives do.
"""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

# The oldest and the newest Kubernetes that the objects must be valid for.
VERSIONS = ["1.28", "1.37"]

# Traefik 2's resources: those of Traefik 3 under another group, without what came later.
TRAEFIK_2, TRAEFIK_3 = "traefik.containo.us/v1alpha1", "traefik.io/v1alpha1"
NOT_IN_TRAEFIK_2 = {
    "addAuthCookiesToResponse",
    "forwardBody",
    "headerField",
    "maxBodySize",
    "preserveLocationHeader",
    "preserveRequestMethod",
}


def whole(document):
    """The object that a part to be added to an IngressRoute makes."""
    if "kind" in document or "routes" not in document.get("spec", {}):
        return document
    return {"apiVersion": TRAEFIK_3, "kind": "IngressRoute", "metadata": {}} | document


def problems_of(document, schemas):
    if document.get("apiVersion") == TRAEFIK_2:
        new = NOT_IN_TRAEFIK_2 & document["spec"].get("forwardAuth", {}).keys()
        if new:
            return [f"Traefik 2 does not know {sorted(new)}"]
        document = document | {"apiVersion": TRAEFIK_3}
    kind = document.get("kind")
    schema = schemas.get("meshconfig" if kind is None else kind.lower())
    if schema is not None:
        found = jsonschema.Draft7Validator(schema).iter_errors(document)
        return [f"{error.json_path}: {error.message}"[:500] for error in found]
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"{version}: {list(error.path)}: {error.message}"[:500])
    return found


def main(folder, files):
    schemas = {
        path.stem: json.loads(path.read_text()) for path in pathlib.Path(folder).glob("*.json")
    }
    for schema in schemas.values():
        jsonschema.Draft7Validator.check_schema(schema)
    problems, kinds = [], {}
    for file in files:
        with open(file, encoding="utf-8") as stream:
            for document in map(whole, yaml.safe_load_all(stream)):
                kind = document.get("kind", "MeshConfig")
                kinds[kind] = kinds.get(kind, 0) + 1
                # Annotations and labels are texts, whatever the schema of a resource says of them.
                metadata = document.get("metadata", {})
                for name in ("annotations", "labels"):
                    for key, value in metadata.get(name, {}).items():
                        if not isinstance(value, str):
                            problems.append(f"{file}: {key} is no text: {value!r}")
                problems += [f"{file}: {kind}: {text}" for text in problems_of(document, schemas)]
    json.dump({"problems": problems, "kinds": kinds}, sys.stdout)


main(sys.argv[1], sys.argv[2:])
