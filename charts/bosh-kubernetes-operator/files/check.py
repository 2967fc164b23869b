"""`helm test`: asks the API server, as the account under test, whether what the chart installed is really there.

Standard library only, so that any image with a Python runs it. The environment is the order, as JSON:

ALLOWED, FORBIDDEN: lists of {"namespace": "" for the whole cluster, "rules": rules as in a Role}.
DRY_RUN: lists of objects that the server has to accept, each {"path": the collection, "body": the object}.
ANSWERS: list of paths that answer 200.

Prints a line a check; exit code 1 when one fails.
"""

import http.client
import json
import os
import ssl
import sys
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def connect():
    trust = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    return http.client.HTTPSConnection(host, int(port), context=trust, timeout=30)


def request(connection, method, path, body=None):
    """Status and text of the answer."""
    headers = {
        "Authorization": "Bearer " + (ACCOUNT / "token").read_text(),
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def attributes(scope):
    """The resourceAttributes of every single thing that the rules of a scope allow."""
    for rule in scope["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [""]):
                    for verb in rule["verbs"]:
                        plural, _, subresource = resource.partition("/")
                        yield {
                            "namespace": scope["namespace"],
                            "group": group,
                            "resource": plural,
                            "subresource": subresource,
                            "name": name,
                            "verb": verb,
                        }


def review(connection, wanted, scopes):
    """Lines of whatever the account may not do although wanted, or may although not."""
    count = 0
    for scope in scopes:
        for what in attributes(scope):
            count += 1
            body = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": what},
            }
            status, text = request(connection, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
            if status != 201:
                yield f"access review: {status} {text}"
            elif json.loads(text)["status"]["allowed"] is not wanted:
                yield f"{'may not' if wanted else 'may'} " + " ".join(f"{k}={v}" for k, v in what.items() if v)
    print(f"{count} access reviews: {'allowed' if wanted else 'forbidden'} as they should be, unless said below")


def kinds(connection):
    """Lines of the kinds that the API server does not serve: those of a definition that is not established."""
    status, text = request(connection, "GET", "/apis/cpi.bosh.io/v1alpha1")
    served = {each["name"] for each in json.loads(text)["resources"]} if status == 200 else set()
    for wanted in ("virtualmachines", "virtualmachines/status", "stemcells"):
        if wanted not in served:
            yield f"{wanted} of cpi.bosh.io/v1alpha1 is not served: is its CustomResourceDefinition established?"
    print(f"served kinds: {', '.join(sorted(served))}")


def dry_runs(connection, objects):
    for each in objects:
        status, text = request(connection, "POST", each["path"] + "?dryRun=All", each["body"])
        print(f"dry run of {each['body']['kind']}: {status}")
        if status != 201:
            yield f"dry run of {each['body']['kind']}: {status} {text}"


def answers(connection, paths):
    for path in paths:
        status, text = request(connection, "GET", path)
        print(f"{path}: {status}")
        if status != 200:
            yield f"{path}: {status} {text}"


def main():
    def order(name):
        return json.loads(os.environ.get(name) or "[]")

    connection = connect()
    failures = [
        *kinds(connection),
        *review(connection, True, order("ALLOWED")),
        *review(connection, False, order("FORBIDDEN")),
        *dry_runs(connection, order("DRY_RUN")),
        *answers(connection, order("ANSWERS")),
    ]
    for line in failures:
        print(f"FAILED: {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
