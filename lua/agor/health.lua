-- :checkhealth agor: what is there, what is missing, and what to do about it. Runs programs only to ask their version.

local M = {}

local health = vim.health

---@param command string[]
---@return string|nil output
local function ask(command)
  local ok, job = pcall(vim.system, command, { text = true, cwd = '/' })
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
    local cargo = require('agor.programs').find('cargo') ~= '' and ask({ 'cargo', '--version' })
      or nil
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
  require('agor.health_agents').check()
  check_trouble()
end

return M
