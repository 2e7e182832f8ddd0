// A runner of somebody's own, which speaks the sidecar protocol as loosely as it may be spoken: events in Claude's shapes, with
// and without their envelope, a banner, an unknown event, a complaint, an error that is the agent's.
import * as readline from 'node:readline';
import process from 'node:process';

const say = (message) => process.stdout.write(JSON.stringify(message) + '\r\n');
let queries = 0;

const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  const message = JSON.parse(line);
  if (message.type === 'stop') process.exit(0);
  if (message.type !== 'query') return;
  queries += 1;
  const { sessionId, prompt } = message;
  const text = (id, words) => ({ type: 'assistant', message: { id, role: 'assistant', content: [{ type: 'text', text: words }] } });
  say({ type: 'agent_started', sessionId });
  say({ type: 'agent_event', sessionId: 'not-the-one', event: { type: 'system', subtype: 'init', session_id: 'mine-1', model: 'm' } });
  if (prompt === 'fail') {
    say({ type: 'agent_error', sessionId, message: 'the agent of mine has had enough' });
    return;
  }
  say({ type: 'error', message: 'a complaint about nothing' });
  say({ type: 'agent_event', sessionId, event: { type: 'news_of_tomorrow', value: 1 } });
  say(text(`a${queries}`, `without an envelope, query ${queries}`));
  say({ type: 'agent_event', sessionId, event: text(`b${queries}`, `${message.resumeMode ?? 'fresh'}: ${prompt}`) });
  say({ type: 'agent_event', sessionId, event: { type: 'result', subtype: 'success', is_error: false, session_id: 'mine-1', num_turns: 1 } });
  say({ type: 'agent_stopped', sessionId });
});
input.on('close', () => process.exit(0));
process.stdout.write('mine 1.0, at your service\n\n');
say({ type: 'ready' });
