/** A challenge counts once, for its purpose, in its time; what is remembered of answered ones is bounded, and forgotten in time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CHALLENGE_MS, Challenges, MAX_USED } from '../../../core/auth/challenges.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

test('a challenge is open for its purpose until it is answered, or its time is over', () => {
  const clock = fakeClock();
  const challenges = new Challenges(clock);
  const [answered, late] = [challenges.create('login'), challenges.create('login')];
  assert.equal([challenges.isOpen('login', answered), challenges.isOpen('add a passkey', answered)], [true, false]);
  assert.not(new Challenges(clock).isOpen('login', answered), 'of another life');
  assert.ok(challenges.use(answered));
  assert.equal([challenges.isOpen('login', answered), challenges.isOpen('login', late)], [false, true]);
  clock.advance(CHALLENGE_MS - 1);
  assert.ok(challenges.isOpen('login', late));
  clock.advance(1);
  assert.not(challenges.isOpen('login', late));
});

test('when no more answers can be remembered none counts, until earlier ones are over', () => {
  const clock = fakeClock();
  const challenges = new Challenges(clock);
  for (let i = 0; i < MAX_USED; i++) assert.ok(challenges.use(challenges.create('login')));
  clock.advance(CHALLENGE_MS - 1);
  const next = challenges.create('login');
  assert.not(challenges.use(next));
  assert.ok(challenges.isOpen('login', next));
  clock.advance(1);
  assert.ok(challenges.use(next));
  assert.not(challenges.isOpen('login', next));
});

test.run();
