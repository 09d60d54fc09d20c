/** A few thousand inputs of the fuzzer with fixed seeds. */
import { test } from 'uvu';
import { fuzzConnection, fuzzInflate, fuzzParser } from '../../../scripts/conformance/fuzz-websocket.ts';

test('mutated frames are read as the RFC says, however they are cut', () => {
  for (let seed = 1; seed <= 5000; seed++) fuzzParser(seed);
});

test('damaged compressed messages are refused or stay within the limit', () => {
  for (let seed = 1; seed <= 500; seed++) fuzzInflate(seed);
});

test('whole connections answer as the RFC says and end', async () => {
  for (let seed = 1; seed <= 300; seed++) await fuzzConnection(seed);
});

test.run();
