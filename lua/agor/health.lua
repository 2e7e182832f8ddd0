-- :checkhealth agor: what is there, what is missing, and what to do about it. Runs programs only to ask their version.

local M = {}

local health = vim.health

---@param command string[]
---@return string|nil output
local function ask(command)
  local ok, job = pcall(vim.system, command, { text = true })
  if not ok then
    return nil
  end
  local result = job:wait(3000)
  if result.code ~= 0 then
    return nil
  end
  return vim.trim(result.stdout or '')
end

local function check_neovim()
  health.start('Neovim')
  local current = vim.version --[[@as fun(): vim.Version]]
  local version = tostring(current())
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. version)
  else
    health.error(('Neovim %s is too old: agor needs 0.11 or newer'):format(version))
  end
end

local function check_backend()
  health.start('Backend')
  local backend, binary = require('agor.backend'), require('agor.binary')
  local path, missing = binary.find()
  if not path then
    health.error(missing or 'the backend was not found', { 'Run :Agor build' })
    local cargo = vim.fn.executable('cargo') == 1 and ask({ 'cargo', '--version' }) or nil
    local root = require('agor.provider').plugin_root()
    local objection = require('agor.build').objection(root, cargo)
    if objection then
      health.warn(objection)
    else
      health.ok(cargo .. ' can build it')
    end
    return
  end
  local said = ask({ path, '--version' })
  local version, protocol = (said or ''):match('^agor%-nvim (%S+) %(protocol (%d+)%)')
  if not version then
    health.error(('%s does not say its version'):format(path), { 'Run :Agor build' })
  elseif version ~= binary.version or tonumber(protocol) ~= binary.protocol then
    local text = '%s is version %s (protocol %s), this plugin needs %s (protocol %d)'
    health.error(
      text:format(path, version, protocol, binary.version, binary.protocol),
      { 'Run :Agor build, then :Agor restart' }
    )
  else
    health.ok(('%s, version %s (protocol %s)'):format(path, version, protocol))
  end
  local handshake = require('agor.state').backend
  if handshake then
    health.ok(('it runs, process %d'):format(handshake.pid))
    if handshake.path ~= path then
      health.warn(('the one that runs is %s'):format(handshake.path), { 'Run :Agor restart' })
    end
  else
    health.info('it is not running; the first session starts it')
  end
  local log, failed = backend.log_path()
  if log then
    health.info('log: ' .. log)
  else
    health.warn(failed or 'there is no log')
  end
end

---@param dir string
local function check_folder(dir)
  local existing = dir
  while not vim.uv.fs_stat(existing) and existing ~= '/' and existing ~= '.' do
    existing = vim.fs.dirname(existing)
  end
  local stat = vim.uv.fs_stat(existing)
  if stat and stat.type == 'directory' and vim.uv.fs_access(existing, 'W') then
    health.ok(dir .. ' can be written')
  else
    health.warn(dir .. ' cannot be written: journals and logs are not kept there')
  end
end

local function check_configuration()
  health.start('Configuration')
  local problems = require('agor.config').problems()
  for _, problem in ipairs(problems) do
    health.error(problem)
  end
  if #problems == 0 then
    health.ok('nothing is wrong with it')
  end
  local backend = require('agor.backend')
  check_folder(backend.data_dir())
  check_folder(backend.state_dir())
end

---Variables that are kept from an agent.
---@return string[]
local function withheld()
  local all, passed = vim.fn.environ(), require('agor.actions').login_env({}, {})
  local out = {}
  for name in pairs(all) do
    if passed[name] == nil then
      table.insert(out, name)
    end
  end
  table.sort(out)
  return out
end

---@param name string
local function check_agent(name)
  local provider = require('agor.provider')
  local conf = provider.get(name)
  if not conf then
    return
  end
  local found = provider.programs(name)
  if not provider.spoken(conf) then
    local where = found[1] and ' (' .. found[1] .. ')' or ''
    health.info(('%s%s: this version does not speak to it yet'):format(name, where))
    return
  end
  if #found == 0 then
    local advice = conf.install and { 'Install it with: ' .. conf.install } or nil
    health.info(('%s: not found%s'):format(name, advice and '. ' .. advice[1] or ''))
    return
  end
  if conf.command and conf.command[1] == '<binary>' and not conf.program then
    health.ok(name .. ': part of the backend')
    return
  end
  for i, path in ipairs(found) do
    local version = conf.command and not conf.wrap and ask({ path, '--version' }) or nil
    local first = version and version:match('^[^\n]*') or nil
    local text = ('%s: %s%s'):format(name, path, first and ' (' .. first .. ')' or '')
    if i == 1 then
      health.ok(text .. (#found > 1 and ', the one used' or ''))
    else
      health.info(text .. ', not used')
    end
  end
end

local function check_agents()
  health.start('Agents')
  local provider = require('agor.provider')
  for _, name in ipairs(provider.names()) do
    check_agent(name)
  end
  local default, none = provider.default()
  if default then
    health.ok((':AgorStart without a name starts %s'):format(default))
  else
    health.warn(none or 'no agent was found')
  end
  if next(provider.runners()) then
    if vim.fn.executable('deno') == 1 or vim.fn.executable('node') == 1 then
      health.ok(
        'runners are started with ' .. (vim.fn.executable('deno') == 1 and 'deno' or 'node')
      )
    else
      health.warn(
        'there are runners, but neither deno nor node to start them',
        { 'Install deno or node' }
      )
    end
  end
  local names = withheld()
  if #names > 0 then
    health.info(
      ('kept from agents: %s. providers.<name>.pass_env = { "NAME" } lets one through'):format(
        table.concat(names, ', ')
      )
    )
  end
end

local function check_trouble()
  local trouble = require('agor.state').trouble
  if #trouble == 0 then
    return
  end
  health.start('Errors of the plugin itself, worth a report')
  for _, trace in ipairs(trouble) do
    health.error(trace)
  end
end

function M.check()
  check_neovim()
  check_backend()
  check_configuration()
  check_agents()
  check_trouble()
end

return M
