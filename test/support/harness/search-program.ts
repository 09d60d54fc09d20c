/** Keeps the index of a data directory up until it is killed: `search-program.ts DATA_DIR`. */
import process from 'node:process';
import { Search } from '../../../agent/search/search.ts';
import { testContext } from '../fakes/test-context.ts';

const search = new Search({ context: testContext({ dataDir: process.argv[2]! }), agents: { list: () => [] } });
await search.search({ terms: ['nothing'], limit: 1, cursor: null });
setInterval(() => {}, 1000);
