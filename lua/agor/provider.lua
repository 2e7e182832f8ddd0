-- Which agents there are, which can start, and what the backend is told of one. Knows the file system, runs nothing.

local config = require('agor.config')
local near = require('agor.near')
local programs = require('agor.programs')

local M = {}

---The plugin's own folder.
---@return string
function M.plugin_root()
  local here = debug.getinfo(1, 'S').source:sub(2)
  return vim.fs.dirname(
    vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(here, ':p'))))
  )
end

---Where runners are looked for: AGOR_ROOT alone if it is set.
---@return string[]
function M.roots()
  local root = vim.env.AGOR_ROOT
  if root and root ~= '' then
    return { root }
  end
  local roots = vim.tbl_map(vim.fs.normalize, config.get().runner_roots)
  table.insert(roots, M.plugin_root())
  return roots
end

---@return table<string, string> path of each runner by its provider's name
function M.runners()
  local found = {}
  for _, root in ipairs(M.roots()) do
    local dir = root .. '/sidecar/dist'
    for file in vim.fs.dir(dir) do
      local name = file:match('^(%w[%w._-]*)%-runner%.mjs$')
      if name and not found[name] then
        found[name] = dir .. '/' .. file
      end
    end
  end
  return found
end

---@param name string
---@return agor.Provider|nil
function M.get(name)
  local known = config.get().providers[name]
  if known then
    return known
  end
  if M.runners()[name] then
    return { protocol = 'sidecar', command = false, env = {}, pass_env = {} }
  end
  return nil
end

---@return string[] sorted
function M.names()
  local names = {}
  for name in pairs(config.get().providers) do
    names[name] = true
  end
  for name in pairs(M.runners()) do
    names[name] = true
  end
  local list = vim.tbl_keys(names)
  table.sort(list)
  return list
end

---Where else a bare program may lie. An entry of the user's own that starts a known agent means that one.
---@param provider agor.Provider
---@return string[]
local function also(provider)
  local program = provider.command and provider.command[1]
  if not program or provider.also then
    return provider.also or {}
  end
  for _, agent in pairs(require('agor.agents').new()) do
    if agent.also and agent.command[1] == program then
      return agent.also
    end
  end
  return {}
end

---What the agent reads of a project and obeys. An entry of the user's own that starts a known agent, or speaks as only one
---does, is that one.
---@param provider agor.Provider
---@return string[] files
---@return string[]|nil untrusted the arguments that keep it from them
local function trust(provider)
  if provider.trust_files then
    return provider.trust_files, provider.untrusted
  end
  local agents = require('agor.agents').new()
  local program = provider.command and vim.fs.basename(provider.command[1])
  for _, agent in pairs(agents) do
    if program and agent.command[1] == program then
      return agent.trust_files or {}, provider.untrusted or agent.untrusted
    end
  end
  local same = agents[provider.protocol]
  return same and same.trust_files or {}, provider.untrusted
end

---Everywhere that the agent's program is, the one that is used first.
---@param name string
---@return string[]
function M.programs(name)
  local provider = M.get(name)
  if not provider then
    return {}
  end
  if not provider.command then
    return { M.runners()[name] }
  end
  local found, seen = {}, {}
  local function add(path)
    if path ~= '' and not seen[path] then
      seen[path] = true
      table.insert(found, path)
    end
  end
  local wrapper = provider.wrap and provider.wrap[1]
  if wrapper then
    -- What is behind it is found when it is there.
    add(programs.find(vim.fs.normalize(wrapper)))
    return found
  end
  local program = provider.program or provider.command[1]
  if program == '<binary>' then
    add(require('agor.binary').find() or '')
    return found
  end
  add(programs.find(vim.fs.normalize(program)))
  if not program:find('/') then
    for _, path in ipairs(also(provider)) do
      path = vim.fs.normalize(path)
      if vim.fn.executable(path) == 1 then
        add(path)
      end
    end
  end
  return found
end

---@param name string
---@return boolean
function M.available(name)
  if #M.programs(name) > 0 then
    return true
  end
  -- A server elsewhere needs no program here.
  local provider = M.get(name)
  local server = provider and provider.server
  return server ~= nil and (provider.env[server] or vim.env[server] or '') ~= ''
end

-- What the backend of this version has, for as long as none runs that could tell.
M.built_in = { protocols = { 'acp', 'claude', 'codex', 'sidecar' }, runners = { 'demo', 'ollama' } }

---Whether the backend speaks to it: a configuration may be ahead of a backend, or wrong.
---@param provider agor.Provider
---@return boolean
---@return string|nil message what the backend lacks
function M.spoken(provider)
  local backend = require('agor.state').backend or M.built_in
  local protocols = backend.protocols or M.built_in.protocols
  local runners = backend.runners or M.built_in.runners
  local command = provider.command or {}
  local embedded = command[1] == '<binary>' and command[2] == 'runner'
  if not vim.list_contains(protocols, provider.protocol) then
    local hint = near.hint(provider.protocol, protocols)
    return false,
      ('the backend speaks no protocol "%s"%s; there are %s'):format(
        provider.protocol,
        hint,
        table.concat(protocols, ', ')
      )
  elseif embedded and not vim.list_contains(runners, command[3]) then
    return false, ('the backend has no runner "%s"'):format(tostring(command[3]))
  end
  return true
end

---Those that could be started now: what a completion offers before a name is typed.
---@return string[] sorted
function M.installed()
  return vim.tbl_filter(function(name)
    local provider = M.get(name)
    return provider ~= nil and M.spoken(provider) and M.available(name)
  end, M.names())
end

---The provider of a session that names none.
---@param own? string|nil the one that the project itself sets
---@return string|nil name
---@return string|nil message
function M.default(own)
  local conf = config.get()
  local set = own or conf.provider
  if set then
    if M.get(set) then
      return set
    end
    return nil, (own and require('agor.project_config').name .. ': ' or '') .. M.unknown(set)
  end
  local missing = {}
  local _, failed = require('agor.backend').ensure()
  if failed and not require('agor.binary').find() then
    return nil, failed -- Without it not even the demo works.
  end
  for _, name in ipairs(conf.order) do
    local provider = M.get(name)
    if provider and not M.spoken(provider) then
      provider = nil
    end
    if provider and M.available(name) then
      return name
    elseif provider then
      table.insert(
        missing,
        ('%s (%s)'):format(name, provider.install or 'its program is not on PATH')
      )
    end
  end
  return nil,
    ('no agent was found: :checkhealth agor says how to get one, :AgorStart demo works at once. Known are %s'):format(
      table.concat(missing, ', ')
    )
end

---@param name string
---@return string
function M.unknown(name)
  local names = M.names()
  return ('unknown provider "%s"%s; there are %s'):format(
    name,
    near.hint(name, names),
    table.concat(names, ', ')
  )
end

---What the backend needs of a provider's configuration.
---@param provider agor.Provider
---@return table
function M.for_backend(provider)
  local out = { protocol = provider.protocol, title = provider.title, install = provider.install }
  if provider.command then
    out.command = vim.deepcopy(provider.command)
  end
  out.wrap = provider.wrap and vim.deepcopy(provider.wrap) or nil
  out.wrap_shell = provider.wrap_shell
  if provider.paths and next(provider.paths) then
    out.paths = vim.deepcopy(provider.paths)
  end
  -- An empty table would cross the wire as a list.
  if next(provider.env) then
    out.env = vim.deepcopy(provider.env)
  end
  if #provider.pass_env > 0 then
    out.pass_env = vim.deepcopy(provider.pass_env)
  end
  out.config_env = provider.config_env
  local patience = provider.watchdog
  if patience == nil then
    patience = config.get().watchdog.after
  end
  out.watchdog = patience or nil
  out.needs = provider.needs and vim.deepcopy(provider.needs) or nil
  local places = also(provider)
  if #places > 0 then
    out.also = vim.deepcopy(places)
  end
  local files, untrusted = trust(provider)
  if #files > 0 then
    out.trust_files = vim.deepcopy(files)
    out.untrusted = untrusted and vim.deepcopy(untrusted) or nil
  end
  local names = vim.tbl_keys(provider.mcp_servers or {})
  table.sort(names)
  for _, name in ipairs(names) do
    local server = vim.tbl_extend('force', provider.mcp_servers[name], { name = name })
    for _, key in ipairs({ 'env', 'headers' }) do
      server[key] = server[key] and next(server[key]) and server[key] or nil
    end
    out.mcp_servers = out.mcp_servers or {}
    table.insert(out.mcp_servers, server)
  end
  return out
end

return M
