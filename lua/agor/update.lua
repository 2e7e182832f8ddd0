-- After an update: whether the backend that runs, these modules as they are loaded and what lies on the disk still belong
-- together, and a sentence that says what to do where they do not. Changes nothing.

local binary = require('agor.binary')
local state = require('agor.state')

local M = {}

---@class agor.Version
---@field version any
---@field protocol any

-- A program that is not ours may never answer.
local answer_ms = 5000

---@param theirs agor.Version
---@return boolean
local function fits(theirs)
  return theirs.version == binary.version and theirs.protocol == binary.protocol
end

---What the plugin's files say now, which a plugin manager may have exchanged under us.
---@return agor.Version
local function on_disk()
  local path = require('agor.provider').plugin_root() .. '/lua/agor/binary.lua'
  local file = io.open(path)
  local text = file and file:read('*a') or ''
  if file then
    file:close()
  end
  return {
    version = text:match("\nM%.version = '([^']+)'"),
    protocol = tonumber(text:match('\nM%.protocol = (%d+)')),
  }
end

---What is wrong with a backend of this version. What to do stands first: a message that is longer than the window is cut
---at its end.
---@param path string
---@param theirs agor.Version
---@return string|nil
function M.mismatch(path, theirs)
  if fits(theirs) then
    return nil
  end
  local disk = on_disk()
  if disk.version == theirs.version and disk.protocol == theirs.protocol then
    return ('restart Neovim: agor was updated on the disk, where plugin and backend are version %s (protocol %s), and version %s (protocol %s) is still loaded'):format(
      tostring(theirs.version),
      tostring(theirs.protocol),
      binary.version,
      binary.protocol
    )
  end
  return ('run :Agor build, then :Agor restart: the backend is version %s (protocol %s), this plugin needs %s (protocol %s); it is %s'):format(
    tostring(theirs.version),
    tostring(theirs.protocol),
    binary.version,
    binary.protocol,
    path
  )
end

---The modules were reloaded since the backend was greeted, and speak another language now.
---@return string|nil
function M.outgrown()
  local running = state.backend
  if not running or running.protocol == binary.protocol then
    return nil
  end
  return ('run :Agor restart: this plugin was updated and needs protocol %s, the backend that runs since before speaks %s; sessions go on from their journals'):format(
    binary.protocol,
    tostring(running.protocol)
  )
end

---Whether the program can take the place of the one that runs.
---@param path string
---@param done fun(wrong: string|nil) called in the main loop
function M.try(path, done)
  local started, err = pcall(
    vim.system,
    { path, '--version' },
    { text = true, timeout = answer_ms, cwd = '/' },
    vim.schedule_wrap(function(result)
      local version, protocol = (result.stdout or ''):match('^agor%-nvim (%S+) %(protocol (%d+)%)')
      if result.code ~= 0 or not version then
        return done(
          ('run :Agor build: %s does not say its version, so it is no backend'):format(path)
        )
      end
      done(M.mismatch(path, { version = version, protocol = tonumber(protocol) }))
    end)
  )
  if not started then
    done(('run :Agor build: %s could not be started: %s'):format(path, tostring(err)))
  end
end

return M
