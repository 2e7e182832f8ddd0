-- The agents that are known without a configuration, one entry each: how each is started, installed and logged in, and
-- what it may need that is kept from it. Data only. Commands and logins are those of the versions of November 2026.

local M = {}

-- What the family of Claude Code reads besides its own login: a key or a token, or where its models are.
local claude_needs = {
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'ANTHROPIC_BASE_URL',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
}

-- What programs read of the project that they are started in and obey: commands, servers of tools, hooks, what they may do
-- without asking. Mere instructions (CLAUDE.md, AGENTS.md, rules) are not among them. Where each looks was seen with Claude
-- Code 2.1.197, Codex 0.169, Gemini CLI 0.61 and OpenCode. Of Copilot, Cursor, Auggie, Qwen Code and Kimi it is what their
-- own documentation and sources say (November 2026), tried with none: each of their lists names its pages.
local claude_files = {
  -- Of every directory above, whatever the repository is.
  '../.mcp.json',
  '.claude/settings.json',
  '.claude/settings.local.json',
  '.claude/hooks/',
  '.claude/agents/',
  '.claude/commands/',
  '.claude/skills/',
  '.claude/plugins/',
  '.claude/workflows/',
  '.claude/scheduled_tasks.json',
}
local codex_files = { '.codex/' }

---`pass_env` lets through *where* things are. Keys are never let through by us: they may bill another account.
---@return table<string, agor.Provider> fresh tables each time
function M.new()
  ---@type table<string, table>
  local agents = {
    claude = {
      protocol = 'claude',
      command = { 'claude' },
      title = 'Claude Code',
      pass_env = { 'CLAUDE_CONFIG_DIR' },
      config_env = 'CLAUDE_CONFIG_DIR',
      needs = vim.deepcopy(claude_needs),
      trust_files = vim.deepcopy(claude_files),
      untrusted = { '--setting-sources=user', '--strict-mcp-config' },
      login = { 'claude', '/login' },
      install = 'npm install -g @anthropic-ai/claude-code',
      also = {
        '~/.local/bin/claude',
        '~/.claude/local/claude',
        '/usr/local/bin/claude',
        '/usr/bin/claude',
      },
    },
    codex = {
      protocol = 'codex',
      command = { 'codex' },
      title = 'Codex',
      pass_env = { 'CODEX_HOME' },
      config_env = 'CODEX_HOME',
      needs = { 'CODEX_API_KEY', 'CODEX_ACCESS_TOKEN' },
      trust_files = vim.deepcopy(codex_files),
      login = { 'codex', 'login' },
      install = 'npm install -g @openai/codex',
      also = { '~/.local/bin/codex' },
    },
    gemini = {
      protocol = 'acp',
      command = { 'gemini', '--acp' },
      title = 'Gemini CLI',
      trust_files = { '.gemini/' },
      login = { 'gemini' },
      install = 'npm install -g @google/gemini-cli',
    },
    opencode = {
      protocol = 'acp',
      command = { 'opencode', 'acp' },
      title = 'OpenCode',
      -- Not all of its folder: it installs what plugins need there.
      trust_files = {
        'opencode.json',
        'opencode.jsonc',
        '.opencode/opencode.json',
        '.opencode/opencode.jsonc',
        '.opencode/plugin/',
        '.opencode/plugins/',
        '.opencode/tool/',
        '.opencode/tools/',
        '.opencode/agent/',
        '.opencode/agents/',
        '.opencode/command/',
        '.opencode/commands/',
        '.opencode/mode/',
        '.opencode/modes/',
        '.opencode/skill/',
        '.opencode/skills/',
        '.opencode/.npmrc',
      },
      needs = { 'ANTHROPIC_API_KEY' },
      login = { 'opencode', 'auth', 'login' },
      install = 'npm install -g opencode-ai',
      also = { '~/.opencode/bin/opencode' },
    },
    ['claude-agent-acp'] = {
      protocol = 'acp',
      command = { 'claude-agent-acp' },
      title = 'Claude Code over ACP',
      pass_env = { 'CLAUDE_CONFIG_DIR' },
      config_env = 'CLAUDE_CONFIG_DIR',
      needs = vim.deepcopy(claude_needs),
      trust_files = vim.deepcopy(claude_files),
      login = { 'claude-agent-acp', '--cli', 'auth', 'login' },
      install = 'npm install -g @agentclientprotocol/claude-agent-acp',
      version = false, -- It knows no --version and waits for a client.
    },
    ['codex-acp'] = {
      protocol = 'acp',
      command = { 'codex-acp' },
      title = 'Codex over ACP',
      pass_env = { 'CODEX_HOME', 'CODEX_PATH' },
      config_env = 'CODEX_HOME',
      needs = { 'CODEX_API_KEY', 'CODEX_CONFIG' },
      trust_files = vim.deepcopy(codex_files),
      login = { 'codex-acp', 'login' },
      install = 'npm install -g @agentclientprotocol/codex-acp',
    },
    copilot = {
      protocol = 'acp',
      command = { 'copilot', '--acp' },
      title = 'GitHub Copilot CLI',
      -- "Hooks reference", "CLI configuration directory", "Adding MCP servers": it runs the hooks of Claude Code's files
      -- too. Versions before 1.0.40 read an editor's servers. A `.copilot/` of a project is nowhere named.
      trust_files = {
        '.mcp.json',
        '.github/mcp.json',
        '.vscode/mcp.json',
        '.github/copilot/settings.json',
        '.github/copilot/settings.local.json',
        '.github/hooks/',
        '.github/agents/',
        '.github/skills/',
        '.github/extensions/',
        '.github/lsp.json',
        '.claude/settings.json',
        '.claude/settings.local.json',
        '.claude/agents/',
        '.claude/commands/',
        '.claude/skills/',
        '.agents/skills/',
      },
      login = { 'copilot', 'login' },
      install = 'npm install -g @github/copilot',
    },
    goose = {
      protocol = 'acp',
      command = { 'goose', 'acp' },
      title = 'Goose',
      pass_env = { 'OLLAMA_HOST' },
      needs = { 'ANTHROPIC_API_KEY', 'ANTHROPIC_HOST' },
      login = { 'goose', 'configure' },
      install = 'brew install block-goose-cli',
      also = { '~/.local/bin/goose' },
    },
    cursor = {
      protocol = 'acp',
      command = { 'cursor-agent', 'acp' },
      title = 'Cursor CLI',
      -- "CLI configuration", "MCP" (looked for in the directories above, too), "Hooks", "Third party hooks", "Skills",
      -- "Subagents". What its commands, skills and agents may do is up to `cli.json` and `permissions.json`.
      trust_files = {
        '../.cursor/mcp.json',
        '.cursor/cli.json',
        '.cursor/permissions.json',
        '.cursor/sandbox.json',
        '.cursor/hooks.json',
        '.cursor/hooks/',
        '.cursor/agents/',
        '.cursor/commands/',
        '.cursor/skills/',
        '.claude/settings.json',
        '.claude/settings.local.json',
        '.claude/agents/',
        '.claude/skills/',
        '.codex/agents/',
        '.codex/skills/',
        '.agents/skills/',
      },
      login = { 'cursor-agent', 'login' },
      install = 'curl https://cursor.com/install -fsS | bash',
      also = { '~/.local/bin/cursor-agent' },
    },
    auggie = {
      protocol = 'acp',
      command = { 'auggie', '--acp' },
      title = 'Auggie',
      -- "Settings", "Hooks", "Custom commands", "Skills", "Subagents": hooks may be anywhere below `.augment/`.
      trust_files = {
        '.augment/',
        '.claude/agents/',
        '.claude/commands/',
        '.claude/skills/',
        '.agents/skills/',
      },
      login = { 'auggie', 'login' },
      install = 'npm install -g @augmentcode/auggie',
    },
    qwen = {
      protocol = 'acp',
      command = { 'qwen', '--acp' },
      title = 'Qwen Code',
      -- "Settings", "Sandbox", "Hooks", "Skills", "Subagents", "Extensions", "LSP", and what its source protects from its
      -- own automatic mode. Not all of `.qwen/`: it makes its worktrees there.
      trust_files = {
        '.mcp.json',
        '.lsp.json',
        '.qwen/settings*.json',
        '.qwen/.env',
        '.qwen/sandbox*',
        '.qwen/hooks/',
        '.qwen/agents/',
        '.qwen/commands/',
        '.qwen/extensions/',
        '.qwen/fork-profiles/',
        '.qwen/skills/',
        '.agents/skills/',
      },
      needs = { 'ANTHROPIC_API_KEY' },
      login = { 'qwen' },
      install = 'npm install -g @qwen-code/qwen-code',
    },
    kimi = {
      protocol = 'acp',
      command = { 'kimi', 'acp' },
      title = 'Kimi CLI',
      -- Kimi CLI's "Skills" and "Plugins" and Kimi Code's "MCP" (the program has the same name): neither reads hooks or
      -- permissions of a project.
      trust_files = {
        '.mcp.json',
        '.kimi/',
        '.kimi-code/',
        '.claude/skills/',
        '.codex/skills/',
        '.agents/skills/',
      },
      login = { 'kimi', 'login' },
      install = 'uv tool install --python 3.13 kimi-cli',
      also = { '~/.local/bin/kimi' },
    },
    ollama = {
      protocol = 'sidecar',
      command = { '<binary>', 'runner', 'ollama' },
      title = 'Ollama',
      permission_mode = 'default',
      pass_env = { 'OLLAMA_HOST' },
      needs = { 'OLLAMA_API_KEY' },
      program = 'ollama',
      server = 'OLLAMA_HOST',
      install = 'curl -fsSL https://ollama.com/install.sh | sh',
    },
    demo = {
      protocol = 'sidecar',
      command = { '<binary>', 'runner', 'demo' },
      title = 'the demo agent',
      permission_mode = 'default',
    },
  }
  for _, agent in pairs(agents) do
    agent.env, agent.pass_env, agent.needs = {}, agent.pass_env or {}, agent.needs or {}
  end
  return agents
end

return M
