-- What of Neovim's environment an agent gets to see: the same rules as in src/agent/environment.rs, for what is run from
-- here (a login, a question for the version). Knows names, starts nothing.

local M = {}

local withheld_prefixes = { 'CLAUDE', 'CODEX', 'OLLAMA', 'ANTHROPIC_' }
local not_withheld = 'CLAUDE_CODE_EXPERIMENTAL_'
-- By these one could do in the editor whatever the user can: nothing lets them through.
local handles = { NVIM = true, NVIM_LISTEN_ADDRESS = true }
local editor = {
  NVIM = true,
  NVIM_LOG_FILE = true,
  NVIM_LISTEN_ADDRESS = true,
  VIM = true,
  VIMRUNTIME = true,
  MYVIMRC = true,
}

---Is it of the families that are kept from agents?
---@param name string
---@return boolean
function M.is_withheld(name)
  if vim.startswith(name, not_withheld) then
    return false
  end
  for _, prefix in ipairs(withheld_prefixes) do
    if vim.startswith(name, prefix) then
      return true
    end
  end
  return false
end

---@param patterns string[] with `*` for any rest, in any place
---@param name string
---@return boolean
function M.passes(patterns, name)
  for _, pattern in ipairs(patterns) do
    local pieces = vim.tbl_map(vim.pesc, vim.split(pattern, '*', { plain = true }))
    if name:match('^' .. table.concat(pieces, '.*') .. '$') then
      return true
    end
  end
  return false
end

---The environment that the agent itself has.
---@param provider { pass_env: string[], env: table<string, string> }
---@return table<string, string>
function M.of(provider)
  local out = {}
  for name, value in pairs(vim.fn.environ()) do
    if not (M.is_withheld(name) or editor[name]) or M.passes(provider.pass_env, name) then
      out[name] = value
    end
  end
  out = vim.tbl_extend('force', out, provider.env)
  for name in pairs(handles) do
    out[name] = nil
  end
  return out
end

---Variables of Neovim that a provider might want and does not get.
---@param provider? agor.Provider none: from one that lets nothing through
---@return string[] sorted
function M.kept_from(provider)
  local out = {}
  local passed, own = provider and provider.pass_env or {}, provider and provider.env or {}
  for name in pairs(vim.fn.environ()) do
    local kept = M.is_withheld(name) and not M.passes(passed, name)
    if kept and own[name] == nil then
      table.insert(out, name)
    end
  end
  table.sort(out)
  return out
end

return M
