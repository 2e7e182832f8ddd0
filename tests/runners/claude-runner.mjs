// A plain runner around Claude Code, without any of the extensions of the sidecar protocol: one process of the agent a query,
// whose lines go on as they come. It asks nothing, and like all runners strips the environment once more.
import { spawn } from 'node:child_process';
import * as readline from 'node:readline';
import process from 'node:process';

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');
let agent = null;

function environment(query) {
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(CLAUDE|ANTHROPIC_)/.test(name)) env[name] = value;
  }
  if (query.claudeConfigDir) env.CLAUDE_CONFIG_DIR = query.claudeConfigDir;
  return { ...env, ...query.extraEnv };
}

function start(query) {
  const { sessionId } = query;
  const args = ['--print', '--verbose', '--output-format', 'stream-json'];
  if (query.permissionMode) args.push('--permission-mode', query.permissionMode);
  if (query.model) args.push('--model', query.model);
  if (query.systemPrompt) args.push('--append-system-prompt', query.systemPrompt);
  if (query.resumeMode === 'continue') args.push('--continue');
  if (query.resumeMode === 'resume') args.push('--resume', query.resumeSessionId);
  args.push('--', query.prompt);
  agent = spawn('claude', args, { cwd: query.cwd, env: environment(query), stdio: ['ignore', 'pipe', 'inherit'] });
  agent.on('error', (error) => say({ type: 'agent_error', sessionId, message: `claude: ${error.message}` }));
  say({ type: 'agent_started', sessionId });
  const lines = readline.createInterface({ input: agent.stdout });
  lines.on('line', (line) => {
    if (line.trim()) say({ type: 'agent_event', sessionId, event: JSON.parse(line) });
  });
  lines.on('close', () => say({ type: 'agent_stopped', sessionId }));
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
