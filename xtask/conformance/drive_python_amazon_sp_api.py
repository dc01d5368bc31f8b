"""PyPI's python-amazon-sp-api against a sandbox: the client as it is published, told only where its hosts are."""

import os
from urllib.parse import urlsplit

from report import finish, step
from sp_api.api import ListingsItems
from sp_api.auth import AccessTokenClient
from sp_api.base import Marketplaces, SellingApiException

SELLER = os.environ["SELLER_ID"]
MARKETPLACE = Marketplaces[os.environ["MARKETPLACE"]]
TOKEN_URL = urlsplit(os.environ["SP_API_LWA_URL"])
SKU = "CONFORMANCE A/B %C+é"


class Token(AccessTokenClient):
    scheme = f"{TOKEN_URL.scheme}://"
    host = TOKEN_URL.netloc
    path = TOKEN_URL.path


client = ListingsItems(
    MARKETPLACE,
    version="2021-08-01",
    refresh_token=os.environ["REFRESH_TOKEN_1"],
    credentials={
        "lwa_app_id": os.environ["SP_API_CLIENT_ID"],
        "lwa_client_secret": os.environ["SP_API_CLIENT_SECRET"],
    },
    auth_token_client_class=Token,
)
client.endpoint = os.environ["SP_API_BASE_URL"]
STORES = [MARKETPLACE.marketplace_id]


def token():
    assert client.auth.access_token.startswith("Atza|")


def put():
    body = {
        "productType": "PRODUCT",
        "requirements": "LISTING_OFFER_ONLY",
        "attributes": {
            "condition_type": [{"value": "new_new"}],
            "merchant_suggested_asin": [{"value": "B0CONFORM1"}],
            "purchasable_offer": [offer(12.5)],
            "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}],
        },
    }
    answer = client.put_listings_item(SELLER, SKU, marketplaceIds=STORES, body=body)
    assert answer.status == "ACCEPTED", answer


def offer(price):
    return {
        "currency": os.environ["CURRENCY"],
        "audience": "ALL",
        "our_price": [{"schedule": [{"value_with_tax": price}]}],
        "marketplace_id": STORES[0],
    }


def get(price):
    answer = client.get_listings_item(
        SELLER, SKU, marketplaceIds=STORES, includedData=["summaries", "offers", "attributes", "issues"]
    )
    assert answer.payload["sku"] == SKU, answer.payload
    assert float(answer.payload["offers"][0]["price"]["amount"]) == price, answer.payload


def patch():
    body = {
        "productType": "PRODUCT",
        "patches": [{"op": "replace", "path": "/attributes/purchasable_offer", "value": [offer(14.25)]}],
    }
    answer = client.patch_listings_item(SELLER, SKU, marketplaceIds=STORES, body=body)
    assert answer.status == "ACCEPTED", answer


def search():
    seen, token = [], None
    while True:
        arguments = {"pageToken": token} if token else {}
        answer = client.search_listings_items(
            SELLER, marketplaceIds=STORES, pageSize=10, sortBy="sku", sortOrder="ASC", **arguments
        )
        page = answer.payload
        seen += [item["sku"] for item in page["items"]]
        token = answer.next_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == page["numberOfResults"] > 40, (len(seen), page["numberOfResults"])
    assert SKU in seen


def delete():
    answer = client.delete_listings_item(SELLER, SKU, marketplaceIds=STORES)
    assert answer.status == "ACCEPTED", answer
    try:
        client.get_listings_item(SELLER, SKU, marketplaceIds=STORES)
    except SellingApiException as error:
        assert error.code == 404, error
    else:
        raise AssertionError("the deleted listing is still there")


step("token", token)
step("putListingsItem", put)
step("getListingsItem", lambda: get(12.5))
step("patchListingsItem", patch)
step("getListingsItem after the patch", lambda: get(14.25))
step("searchListingsItems, all pages", search)
step("deleteListingsItem", delete)
finish()
