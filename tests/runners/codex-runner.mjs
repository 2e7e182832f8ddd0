// A plain runner around `codex exec`, without any of the extensions of the sidecar protocol.
import { spawn } from 'node:child_process';
import * as readline from 'node:readline';
import process from 'node:process';

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');
let agent = null;

function environment(query) {
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^CODEX/.test(name)) env[name] = value;
  }
  return { ...env, ...query.extraEnv };
}

function start(query) {
  const { sessionId } = query;
  const args = ['exec', '--json', '--skip-git-repo-check'];
  if (query.permissionMode === 'bypassPermissions') args.push('--dangerously-bypass-approvals-and-sandbox');
  if (query.model) args.push('--model', query.model);
  if (query.resumeMode === 'resume') args.push('resume', query.resumeSessionId);
  args.push('--', query.prompt);
  agent = spawn('codex', args, { cwd: query.cwd, env: environment(query), stdio: ['ignore', 'pipe', 'inherit'] });
  agent.on('error', (error) => say({ type: 'agent_error', sessionId, message: `codex: ${error.message}` }));
  say({ type: 'agent_started', sessionId });
  let failure = 'codex failed';
  const lines = readline.createInterface({ input: agent.stdout });
  lines.on('line', (line) => {
    if (!line.trim()) return;
    const event = JSON.parse(line);
    if (event.type === 'turn.failed') failure = event.error.message;
    say({ type: 'agent_event', sessionId, event });
  });
  agent.on('close', (code) => {
    say(code === 0 ? { type: 'agent_stopped', sessionId } : { type: 'agent_error', sessionId, message: failure });
  });
}

function end() {
  agent?.kill('SIGTERM');
  process.exit(0);
}

const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  const message = JSON.parse(line);
  if (message.type === 'ping') say({ type: 'pong' });
  else if (message.type === 'query') start(message);
  else if (message.type === 'stop') end();
  else say({ type: 'error', message: `unknown message type ${message.type}` });
});
input.on('close', end);
say({ type: 'ready' });
