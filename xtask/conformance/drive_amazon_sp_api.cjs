// npm's amazon-sp-api against a sandbox. It knows no other hosts than Amazon's, so that the agent, which is an option
// of the client, leads every connection to the sandbox; paths, headers and bodies are the client's own.
'use strict';
const assert = require('node:assert');
const https = require('node:https');
const net = require('node:net');
const { SellingPartner } = require('amazon-sp-api');

const sandbox = new URL(process.env.SP_API_BASE_URL);
class ToSandbox extends https.Agent {
  createConnection() {
    return net.connect(Number(sandbox.port), sandbox.hostname);
  }
}

const seller = process.env.SELLER_ID;
const marketplace = process.env.MARKETPLACE_ID;
const sku = 'CONFORMANCE npm A/B %C+é';
const client = new SellingPartner({
  region: process.env.REGION,
  refresh_token: process.env.REFRESH_TOKEN_1,
  credentials: {
    SELLING_PARTNER_APP_CLIENT_ID: process.env.SP_API_CLIENT_ID,
    SELLING_PARTNER_APP_CLIENT_SECRET: process.env.SP_API_CLIENT_SECRET,
  },
  options: { https_proxy_agent: new ToSandbox() },
});

const call = (operation, extra) =>
  client.callAPI({
    operation: `listingsItems.${operation}`,
    path: { sellerId: seller, sku },
    query: { marketplaceIds: [marketplace] },
    options: { version: '2021-08-01' },
    ...extra,
  });

const offer = (price) => ({
  currency: process.env.CURRENCY,
  audience: 'ALL',
  our_price: [{ schedule: [{ value_with_tax: price }] }],
  marketplace_id: marketplace,
});

const steps = {
  async token() {
    await client.refreshAccessToken();
    assert.match(client.access_token, /^Atza\|/);
  },
  async putListingsItem() {
    const attributes = {
      condition_type: [{ value: 'new_new' }],
      merchant_suggested_asin: [{ value: 'B0CONFORM1' }],
      purchasable_offer: [offer(12.5)],
    };
    const body = { productType: 'PRODUCT', requirements: 'LISTING_OFFER_ONLY', attributes };
    assert.equal((await call('putListingsItem', { body })).status, 'ACCEPTED');
  },
  async getListingsItem() {
    const query = { marketplaceIds: [marketplace], includedData: ['summaries', 'offers', 'issues'] };
    const item = await call('getListingsItem', { query });
    assert.equal(item.sku, sku);
    assert.equal(Number(item.offers[0].price.amount), 12.5);
  },
  async patchListingsItem() {
    const patches = [{ op: 'replace', path: '/attributes/purchasable_offer', value: [offer(14.25)] }];
    const body = { productType: 'PRODUCT', patches };
    assert.equal((await call('patchListingsItem', { body })).status, 'ACCEPTED');
    const item = await call('getListingsItem', { query: { marketplaceIds: [marketplace], includedData: ['offers'] } });
    assert.equal(Number(item.offers[0].price.amount), 14.25);
  },
  async 'searchListingsItems, all pages'() {
    const seen = [];
    let page = {};
    do {
      const query = { marketplaceIds: [marketplace], pageSize: 20, sortBy: 'sku', sortOrder: 'ASC' };
      if (page.pagination) query.pageToken = page.pagination.nextToken;
      page = await call('searchListingsItems', { path: { sellerId: seller }, query });
      seen.push(...page.items.map((item) => item.sku));
    } while (page.pagination && page.pagination.nextToken);
    assert.equal(seen.length, page.numberOfResults);
    assert.equal(new Set(seen).size, seen.length);
    assert.ok(seen.includes(sku) && seen.length > 40);
  },
  async deleteListingsItem() {
    assert.equal((await call('deleteListingsItem')).status, 'ACCEPTED');
    await assert.rejects(call('getListingsItem'), { code: 'NOT_FOUND' });
  },
};

(async () => {
  let failed = false;
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
      console.log(`ok   ${name}`);
    } catch (error) {
      failed = true;
      console.log(`FAIL ${name}: ${error.code ?? ''} ${error.stack}`);
    }
  }
  process.exit(failed ? 1 : 0);
})();
