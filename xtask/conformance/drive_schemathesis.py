"""PyPI's schemathesis over our specifications against a sandbox: no 5xx, and no answer that breaks the specification."""

import base64
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse
import urllib.request

from report import finish, step
from specifications import translated

EXAMPLES = "25"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def call(url, body, headers):
    request = urllib.request.Request(url, data=body.encode(), headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def token():
    form = {
        "grant_type": "refresh_token",
        "refresh_token": os.environ["REFRESH_TOKEN_1"],
        "client_id": os.environ["SP_API_CLIENT_ID"],
        "client_secret": os.environ["SP_API_CLIENT_SECRET"],
    }
    headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
    return call(os.environ["SP_API_LWA_URL"], urllib.parse.urlencode(form), headers)["access_token"]


def task(function):
    post = f"{os.environ['DATAFORSEO_BASE_URL']}/v3/merchant/amazon/{function}/task_post"
    order = {"asin": ASINS[0], "location_code": int(os.environ["LOCATION_CODE"]), "language_code": "en_US", "priority": 2}
    return call(post, json.dumps([order]), {"authorization": BASIC})["tasks"][0]["id"]


ASINS = os.environ["ASINS"].split(",")
LOGIN = f"{os.environ['DATAFORSEO_LOGIN']}:{os.environ['DATAFORSEO_PASSWORD']}"
BASIC = "Basic " + base64.b64encode(LOGIN.encode()).decode()
VENDORS = {
    # A token lives an hour of the sandbox's time, which is less than this script takes.
    "SpApi": (os.environ["SP_API_BASE_URL"], lambda: "x-amz-access-token: " + token()),
    "DataForSeo": (os.environ["DATAFORSEO_BASE_URL"], lambda: f"authorization: {BASIC}"),
    "MultiCart": (os.environ["MULTICART_BASE_URL"], lambda: f"x-api-key: {os.environ['MULTICART_API_KEY']}"),
}
# What exists in the sandbox: without it every request would be one for something unknown.
PINS = {
    "sellerId": [os.environ["SELLER_ID"]],
    "sku": ["LAMP 01", "LAMP 02"],
    "marketplaceIds": [os.environ["MARKETPLACE_ID"]],
    "asin": ASINS,
    "id": [task("asin"), task("sellers"), 5],
    "location_code": [int(os.environ["LOCATION_CODE"])],
    "language_code": ["en_US"],
    "collection": [101],
    "collection_id": [101],
    "domain": [1, "amazon.com"],
    "postcode": [15],
    "customer_postcode": [15, "04500"],
    "asin_id": [5, 88],
}


def conforms(path):
    document = translated(path.read_text(), PINS)
    file = pathlib.Path(os.environ["FOLDER"]) / f"{path.stem}.json"
    file.write_text(json.dumps(document))
    url, header = VENDORS[document["x-vendor"]]
    schemathesis = pathlib.Path(sys.executable).parent / "schemathesis"
    arguments = [file, "--url", url, "-H", header(), "-n", EXAMPLES, "--checks", CHECKS, "--seed", "1"]
    arguments += ["--phases", "examples,coverage,fuzzing", "--warnings", "off", "--no-color"]
    ran = subprocess.run([schemathesis, "run", *arguments], capture_output=True, text=True, cwd=os.environ["FOLDER"])
    cases = [line.strip() for line in ran.stdout.splitlines() if " generated, " in line]
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ", ".join(cases)


for path in sorted(pathlib.Path(os.environ["SPECS"]).glob("*.yaml")):
    step(path.name, lambda: conforms(path))
finish()
