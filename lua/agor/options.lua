-- The options of start() and what goes along with a prompt, checked as far as Lua can see. Knows the shapes of the public
-- table and of the backend's StartOptions, starts nothing.

local backend = require('agor.backend')
local config = require('agor.config')
local near = require('agor.near')
local project = require('agor.project')
local provider = require('agor.provider')
local state = require('agor.state')

local M = {}

---@class agor.StartOptions
---@field provider? string
---@field prompt? string
---@field session_id? string
---@field cwd? string
---@field model? string
---@field mode? string
---@field effort? string
---@field system_prompt? string
---@field max_turns? integer
---@field permission_mode? string
---@field config_dir? string of the agent, whichever it is
---@field claude_config_dir? string
---@field extra_env? table<string, string|number|boolean>
---@field additional_directories? string[]
---@field worktree_name? string
---@field resume_mode? 'new'|'continue'|'resume'
---@field resume_session_id? string
---@field fork? boolean a copy of that conversation goes on
---@field seed? { path: string, protocol?: string } a conversation whose transcript goes along with the first prompt
---@field open? boolean opens the pane, by default true
---@field context? agor.Context[]

---@type table<string, string>
local types = {
  provider = 'string',
  prompt = 'string',
  session_id = 'string',
  cwd = 'string',
  model = 'string',
  mode = 'string',
  effort = 'string',
  system_prompt = 'string',
  max_turns = 'number',
  permission_mode = 'string',
  config_dir = 'string',
  claude_config_dir = 'string',
  extra_env = 'table',
  additional_directories = 'table',
  worktree_name = 'string',
  resume_mode = 'string',
  resume_session_id = 'string',
  fork = 'boolean',
  seed = 'table',
  open = 'boolean',
  context = 'table',
}

---@param id any
---@return boolean
function M.is_session_id(id)
  return type(id) == 'string' and #id <= 128 and id:match('^[%w_-][%w._-]*$') ~= nil
end

---@param id string
---@return boolean
local function exists(id)
  return state.sessions[id] ~= nil or vim.uv.fs_stat(backend.journal(id)) ~= nil
end

---@param name string
---@return string
local function fresh_id(name)
  -- A name of 128 characters would leave no room.
  local stem = ('%s-%s'):format(name:sub(1, 96), os.date('%Y%m%d-%H%M%S'))
  local id
  repeat
    -- The clock's last digits, which no two share. Before its first vim.fn.sha256() Neovim tests that for 3 ms.
    id = ('%s-%04x'):format(stem, vim.uv.hrtime() % 0x10000)
  until not exists(id)
  return id
end

---@param path string
---@return string
local function absolute(path)
  local full = vim.fs.normalize(path, { expand_env = false })
  if not full:match('^/') and not full:match('^%a:[/\\]') then
    full = vim.fs.joinpath(project.window_directory(), full)
  end
  full = vim.fs.normalize(full, { expand_env = false })
  return full ~= '/' and (full:gsub('/+$', '')) or full
end

---@param path string
---@param name string
---@param elsewhere boolean it is looked for where the agent is
---@return string|nil path
---@return string|nil message
local function directory(path, name, elsewhere)
  local full = absolute(path)
  local stat = vim.uv.fs_stat(full)
  if elsewhere then
    return full
  elseif not stat then
    return nil, ('%s: the directory %s does not exist'):format(name, full)
  elseif stat.type ~= 'directory' then
    return nil, ('%s: %s is not a directory'):format(name, full)
  end
  return full
end

---@param list any
---@return agor.Context[]|nil
---@return string|nil message
function M.context(list)
  if list == nil then
    return {}
  end
  if type(list) ~= 'table' or not vim.islist(list) then
    return nil, 'context must be a list of { path, first_line, last_line, filetype, text }'
  end
  local out = {}
  for i, item in ipairs(list) do
    if type(item) ~= 'table' or type(item.text) ~= 'string' then
      return nil, ('context[%d].text must be a string'):format(i)
    end
    for _, key in ipairs({ 'path', 'filetype', 'word', 'command' }) do
      if item[key] ~= nil and type(item[key]) ~= 'string' then
        return nil, ('context[%d].%s must be a string'):format(i, key)
      end
    end
    for _, key in ipairs({ 'first_line', 'last_line' }) do
      local value = item[key]
      if value ~= nil and (type(value) ~= 'number' or value < 0 or value % 1 ~= 0) then
        return nil, ('context[%d].%s must be a line number'):format(i, key)
      end
    end
    local first = item.first_line or 0
    out[i] = {
      path = item.path or '',
      first_line = first,
      last_line = math.max(item.last_line or first, first),
      filetype = item.filetype or '',
      text = item.text,
      unsaved = item.unsaved == true or nil,
      word = item.word,
      command = item.command,
    }
  end
  return out
end

---@param text string|nil
---@param context agor.Context[]
---@param images? { path: string, mime: string }[]
---@return table|nil prompt as the backend takes it
function M.prompt(text, context, images)
  local pictured = images ~= nil and #images > 0
  if (text == nil or text == '') and #context == 0 and not pictured then
    return nil
  end
  -- An empty table would be taken for an empty list, which it is.
  return { text = text or '', context = context, images = pictured and images or nil }
end

---@param opts table
---@return string|nil message
local function wrong_shape(opts)
  for key, value in pairs(opts) do
    local kind = types[key]
    if not kind then
      return ('unknown option "%s"%s'):format(
        tostring(key),
        near.hint(tostring(key), vim.tbl_keys(types))
      )
    elseif type(value) ~= kind then
      return ('%s must be a %s, not a %s'):format(key, kind, type(value))
    end
  end
  if opts.max_turns and (opts.max_turns < 1 or opts.max_turns % 1 ~= 0) then
    return 'max_turns must be a whole number of at least 1'
  end
  if
    opts.resume_mode and not vim.list_contains({ 'new', 'continue', 'resume' }, opts.resume_mode)
  then
    return ('resume_mode must be new, continue or resume, not "%s"'):format(opts.resume_mode)
  end
  if opts.resume_session_id == '' then
    return 'resume_session_id is empty'
  end
  if opts.resume_mode == 'resume' and not opts.resume_session_id then
    return 'resume_mode = "resume" needs resume_session_id, the agent\'s own id of the conversation'
  elseif opts.resume_session_id and opts.resume_mode and opts.resume_mode ~= 'resume' then
    return ('resume_session_id does not go with resume_mode = "%s"'):format(opts.resume_mode)
  end
  for key, value in pairs(opts.extra_env or {}) do
    local scalar = type(value) == 'string' or type(value) == 'number' or type(value) == 'boolean'
    if type(key) ~= 'string' or key == '' or key:find('[=%z]') or not scalar then
      return ('extra_env.%s: names and values must be strings'):format(tostring(key))
    end
  end
end

---@param opts agor.StartOptions
---@param params table
---@param cwd string
---@return string|nil message
local function directories(opts, params, cwd)
  local wrong
  local conf = provider.get(params.provider)
  local elsewhere = conf ~= nil and require('agor.place').is_elsewhere(conf)
  params.cwd, wrong = directory(cwd, 'cwd', elsewhere)
  if wrong then
    return wrong
  end
  local extra = opts.additional_directories
  if extra and not vim.islist(extra) then
    return 'additional_directories must be a list of directories'
  end
  local configured = config.get().providers[params.provider]
  for _, path in ipairs(extra or (configured and configured.additional_directories) or {}) do
    if type(path) ~= 'string' then
      return 'additional_directories must be a list of directories'
    end
    local full, missing = directory(path, 'additional_directories', elsewhere)
    if not full then
      return missing
    end
    params.additional_directories = params.additional_directories or {}
    table.insert(params.additional_directories, full)
  end
  if opts.config_dir then
    params.config_dir = absolute(opts.config_dir)
  end
  if opts.claude_config_dir then
    params.claude_config_dir = absolute(opts.claude_config_dir)
  end
end

---Goes along with every start: the editor's environment and where runners are.
---@param params table
local function surroundings(params)
  params.environ = vim.fn.environ()
  params.runner_roots = vim.tbl_map(absolute, config.get().runner_roots)
  table.insert(params.runner_roots, provider.plugin_root())
end

---@param name string
---@return agor.Provider|nil
---@return string|nil message
local function speakable(name)
  local conf = provider.get(name)
  if not conf then
    return nil, provider.unknown(name)
  end
  if conf.protocol ~= 'sidecar' and not conf.command then
    return nil,
      ('providers.%s.command is missing: protocol "%s" needs a program'):format(name, conf.protocol)
  end
  local spoken, lacks = provider.spoken(conf)
  if not spoken then
    return nil, ('%s cannot be started: %s'):format(name, lacks)
  end
  return conf
end

---What the backend's `start` takes for a session that has a journal.
---@param journal agor.Journal
---@return table|nil params
---@return string|nil message
function M.restore(journal)
  local conf, wrong = speakable(journal.provider)
  if not conf then
    return nil, wrong
  end
  local params = {
    session_id = journal.session_id,
    provider = journal.provider,
    config = provider.for_backend(conf),
    cwd = journal.cwd,
    restore = true,
  }
  local own = require('agor.project_config').of(journal.cwd)
  params.policy = require('agor.policy').of(journal.provider, own)
  params.worktree, wrong = require('agor.worktree').options(nil, journal.cwd, own)
  if wrong then
    return nil, wrong
  end
  surroundings(params)
  return params
end

---What the backend's `start` takes, made of what the user gave and of the configuration.
---@param opts agor.StartOptions
---@return table|nil params
---@return string|nil message
function M.start(opts)
  local wrong = wrong_shape(opts)
  if wrong then
    return nil, wrong
  end
  local cwd = absolute(opts.cwd or project.root())
  local own = require('agor.project_config').of(cwd)
  local name, none = opts.provider, nil
  if not name then
    name, none = provider.default(own and own.provider)
    if not name then
      return nil, none
    end
  end
  local conf
  conf, wrong = speakable(name)
  if not conf then
    return nil, wrong
  end
  local id = opts.session_id
  if id and not M.is_session_id(id) then
    return nil,
      ('"%s" is no session id: use at most 128 letters, digits, ".", "_" or "-", not starting with "."'):format(
        id:sub(1, 128)
      )
  elseif id and exists(id) then
    return nil, ('session %s already exists'):format(id)
  end
  if opts.fork and not opts.resume_session_id then
    return nil, 'fork needs resume_session_id, the conversation to copy'
  end
  local params = { provider = name, config = provider.for_backend(conf) }
  wrong = directories(opts, params, cwd)
  if wrong then
    return nil, wrong
  end
  local context
  context, wrong = M.context(opts.context)
  if not context then
    return nil, wrong
  end
  for _, key in ipairs({
    'model',
    'mode',
    'effort',
    'permission_mode',
    'system_prompt',
    'max_turns',
  }) do
    params[key] = opts[key] ~= nil and opts[key] or conf[key]
  end
  if opts.extra_env and next(opts.extra_env) then
    params.extra_env = vim.tbl_map(tostring, opts.extra_env)
  end
  params.session_id = id or fresh_id(name)
  if opts.worktree_name then
    params.worktree_name = opts.worktree_name
    params.worktree, wrong = require('agor.worktree').options(opts.worktree_name, params.cwd, own)
    if not params.worktree then
      return nil, wrong
    end
  end
  params.resume_mode = opts.resume_mode or (opts.resume_session_id and 'resume') or nil
  params.resume_session_id = opts.resume_session_id
  params.fork = opts.fork
  params.seed = opts.seed
  params.policy = require('agor.policy').of(name, own)
  surroundings(params)
  params.prompt = M.prompt(opts.prompt, context)
  return params
end

return M
