-- The part of :checkhealth agor about agents: which are there, in which version, and what each needs to be installed,
-- logged in and let through to it.

local M = {}

local environment = require('agor.environment')
local place = require('agor.place')
local provider = require('agor.provider')
local versions = require('agor.versions')

local health = vim.health

-- For all programs together: they are asked side by side, and some bring a whole runtime with them.
M.limit_ms = 6000

---@param list string[]
---@return string as it is written in Lua
local function quoted(list)
  return ('{ %s }'):format(table.concat(
    vim.tbl_map(function(item)
      return ("'%s'"):format(item)
    end, list),
    ', '
  ))
end

---The line of a configuration that lets variables through.
---@param name string
---@param conf agor.Provider
---@param variables string[]
---@return string
local function pass_line(name, conf, variables)
  local key = name:match('^[%a_][%w_]*$') and name or ("['%s']"):format(name)
  local all = vim.deepcopy(conf.pass_env)
  for _, variable in ipairs(variables) do
    if not environment.passes(all, variable) then
      all[#all + 1] = variable
    end
  end
  return ('providers = { %s = { pass_env = %s } }'):format(key, quoted(all))
end

---@param name string
---@param conf agor.Provider
local function tell_login(name, conf)
  if conf.login then
    health.info(
      ('%s: `:Agor login %s` logs in (%s)'):format(name, name, table.concat(conf.login, ' '))
    )
  end
  local kept = environment.kept_from(conf)
  local needs, set = {}, {}
  for _, variable in ipairs(conf.needs or {}) do
    if conf.env[variable] == nil and not environment.passes(conf.pass_env, variable) then
      table.insert(vim.list_contains(kept, variable) and set or needs, variable)
    end
  end
  if #set > 0 then
    health.warn(
      ('%s: %s %s set and kept from it'):format(
        name,
        table.concat(set, ', '),
        #set == 1 and 'is' or 'are'
      ),
      {
        ('If it is to use %s: %s'):format(#set == 1 and 'it' or 'them', pass_line(name, conf, set)),
      }
    )
  elseif #needs > 0 then
    health.info(('%s: gets these only by pass_env: %s'):format(name, table.concat(needs, ', ')))
  end
end

---@class agor.Found
---@field name string
---@field conf agor.Provider
---@field paths string[]
---@field elsewhere string|nil what the question for its version there is filed under
---@field server string|nil what the question for its server is filed under

---@param found agor.Found
---@return boolean part of the backend, and in need of nothing else
local function is_built_in(found)
  local command = found.conf.command
  return command ~= nil and command ~= false and command[1] == '<binary>' and not found.conf.program
end

---@param found agor.Found
---@return boolean
local function says_version(found)
  local conf = found.conf
  return conf.command ~= false
    and not conf.wrap
    and conf.version ~= false
    and not is_built_in(found)
end

---What an embedded runner says of its server before anything is asked of it: a line each of what it offers, or an error.
---@param output string
---@return string[] models
---@return string|nil message what is wrong
local function server_says(output)
  local models, wrong = {}, nil
  for line in output:gmatch('[^\n]+') do
    local ok, said = pcall(vim.json.decode, line, { luanil = { object = true } })
    if ok and type(said) == 'table' and said.type == 'error' then
      wrong = wrong or said.message
    elseif ok and type(said) == 'table' and type(said.models) == 'table' then
      models = said.models
    end
  end
  return models, wrong
end

---@param found agor.Found
---@param output string|nil
---@param late table<string, true>
local function tell_server(found, output, late)
  local models, wrong = server_says(output or '')
  if wrong then
    health.warn(('%s: %s'):format(found.name, wrong))
  elseif #models > 0 then
    health.ok(('%s: its server answers and has %d models'):format(found.name, #models))
  elseif late[found.server] then
    local text = '%s: its server did not name a model in %g s'
    health.warn(text:format(found.name, M.limit_ms / 1000))
  end
end

---@param found agor.Found
---@param output string|nil
---@param late table<string, true>
local function tell_elsewhere(found, output, late)
  local wrap = table.concat(found.conf.wrap or {}, ' ')
  local text = ('%s: behind `%s`'):format(found.name, wrap)
  local version = versions.line(output)
  if version then
    health.ok(('%s, %s'):format(text, version))
  elseif late[found.elsewhere] then
    health.warn(('%s, which did not answer in %g s'):format(text, M.limit_ms / 1000))
  else
    local program = found.conf.command and found.conf.command[1] or found.name
    local advice = ('Run `%s %s --version` in a terminal'):format(wrap, program)
    health.warn(text .. ', where it did not say its version', { advice })
  end
end

---@param found agor.Found
---@param said table<string, string>
---@param late table<string, true>
local function tell(found, said, late)
  local name, conf = found.name, found.conf
  local title = conf.title and conf.title ~= name and (' (%s)'):format(conf.title) or ''
  if found.elsewhere then
    tell_elsewhere(found, said[found.elsewhere], late)
    return tell_login(name, conf)
  end
  if is_built_in(found) then
    return health.ok(name .. ': part of the backend')
  end
  if #found.paths == 0 then
    local at = conf.env[conf.server] or vim.env[conf.server]
    health.ok(('%s%s: its server is %s'):format(name, title, at))
  end
  for i, path in ipairs(found.paths) do
    local version = versions.line(said[path])
    local note = version and (', ' .. version)
      or late[path] and (', did not say its version in %g s'):format(M.limit_ms / 1000)
      or ''
    local text = ('%s%s: %s%s'):format(name, title, path, note)
    if i > 1 then
      health.info(text .. ', not used')
    else
      health.ok(text .. (#found.paths > 1 and ', the one used' or ''))
    end
  end
  if found.server then
    tell_server(found, said[found.server], late)
  end
  tell_login(name, conf)
end

---@param missing agor.Found[]
local function tell_missing(missing)
  if #missing == 0 then
    return
  end
  health.start('Agents that are not installed')
  for _, one in ipairs(missing) do
    local conf = one.conf
    local title = conf.title and conf.title ~= one.name and (' (%s)'):format(conf.title) or ''
    local embedded = conf.command and conf.command[1] == '<binary>'
    local install = conf.install and 'install it with: ' .. conf.install
      or embedded and 'it comes with the backend'
      or 'its program is not on PATH'
    local login = conf.login and ('; then :Agor login %s'):format(one.name) or ''
    health.info(('%s%s: %s%s'):format(one.name, title, install, login))
  end
end

local function tell_runners()
  if not next(provider.runners()) then
    return
  end
  for _, program in ipairs({ 'deno', 'node' }) do
    if require('agor.programs').find(program) ~= '' then
      return health.ok('runners are started with ' .. program)
    end
  end
  health.warn(
    'there are runners, but neither deno nor node to start them',
    { 'Install deno or node' }
  )
end

local function tell_default()
  local default, none = provider.default()
  if default then
    health.ok((':AgorStart without a name starts %s'):format(default))
  else
    health.warn(none or 'no agent was found')
  end
end

function M.check()
  health.start('Agents')
  local there, missing, asked = {}, {}, {} ---@type agor.Found[], agor.Found[], table<string, agor.Asked>
  for _, name in ipairs(provider.names()) do
    local conf = provider.get(name)
    if conf then
      local found = { name = name, conf = conf, paths = provider.programs(name) }
      local spoken, lacks = provider.spoken(conf)
      if not spoken then
        health.warn(('%s: %s'):format(name, lacks))
      elseif provider.available(name) then
        table.insert(there, found)
        local binary = require('agor.binary').find()
        if conf.server and conf.command and conf.command[1] == '<binary>' and binary then
          found.server = name .. "'s server"
          asked[found.server] = {
            command = vim.list_extend({ binary }, vim.list_slice(conf.command, 2)),
            env = environment.of(conf),
            enough = function(output)
              local models, wrong = server_says(output)
              return #models > 0 or wrong ~= nil
            end,
          }
        end
        local program = conf.command and conf.command[1]
        if place.is_elsewhere(conf) and program and conf.version ~= false then
          found.elsewhere = name .. ' elsewhere'
          local command = vim.list_extend({ program }, conf.version or { '--version' })
          asked[found.elsewhere] =
            { command = place.command(conf, command, {}), env = environment.of(conf) }
        end
        for _, path in ipairs(says_version(found) and found.paths or {}) do
          local command = { path }
          vim.list_extend(command, conf.version or { '--version' })
          asked[path] = { command = command, env = environment.of(conf) }
        end
      else
        table.insert(missing, found)
      end
    end
  end
  local said, late = versions.ask(asked, M.limit_ms)
  for _, found in ipairs(there) do
    tell(found, said, late)
  end
  tell_default()
  tell_runners()
  local claude = provider.get('claude')
  if claude then
    health.info(
      'a variable is let through to an agent by a line like this: '
        .. pass_line('claude', claude, { 'ANTHROPIC_API_KEY' })
    )
  end
  local kept = environment.kept_from()
  if #kept > 0 then
    health.info(('set, and kept from agents otherwise: %s'):format(table.concat(kept, ', ')))
  end
  tell_missing(missing)
end

return M
