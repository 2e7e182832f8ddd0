// A plain runner around Ollama's chat endpoint, without any of the extensions of the sidecar protocol. It keeps the
// conversation for as long as it lives.
import * as readline from 'node:readline';
import process from 'node:process';

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');
const messages = [];

async function answer(query) {
  const { sessionId } = query;
  const event = (value) => say({ type: 'agent_event', sessionId, event: value });
  const host = query.extraEnv?.OLLAMA_HOST ?? 'http://127.0.0.1:11434';
  const model = query.model ?? 'llama3.2';
  say({ type: 'agent_started', sessionId });
  event({ type: 'system', subtype: 'init', session_id: `ollama-${sessionId}`, model, cwd: query.cwd });
  messages.push({ role: 'user', content: query.prompt });
  let said = '';
  const response = await fetch(`${host}/api/chat`, { method: 'POST', body: JSON.stringify({ model, messages }) });
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const chunk = JSON.parse(line);
      if (chunk.error) {
        event({ type: 'error', message: chunk.error });
      } else {
        said += chunk.message.content;
        event({ type: 'chunk', ...chunk });
      }
    }
  }
  messages.push({ role: 'assistant', content: said });
  say({ type: 'agent_stopped', sessionId });
}

const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  const message = JSON.parse(line);
  if (message.type === 'ping') {
    say({ type: 'pong' });
  } else if (message.type === 'query') {
    answer(message).catch((error) => {
      say({ type: 'agent_error', sessionId: message.sessionId, message: `ollama: ${error.message}` });
    });
  } else if (message.type === 'stop') {
    process.exit(0);
  }
});
input.on('close', () => process.exit(0));
say({ type: 'ready' });
