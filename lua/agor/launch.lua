-- Starting a session on a user's word: asks what has to be asked first, then calls the public start(). Knows questions,
-- not how a session comes to be.

local context = require('agor.context')
local message = require('agor.message')
local project = require('agor.project')

local M = {}

---@type table<string, true> directories that the user has agreed to
local agreed = {}

---@return boolean
local function can_ask()
  return #vim.api.nvim_list_uis() > 0
end

---@param dir string
---@param go fun()
local function wide(dir, go)
  if agreed[dir] or not project.is_wide(dir) then
    return go()
  end
  if not can_ask() then
    return message.error(('%s is no project: name a directory with cwd=...'):format(dir))
  end
  require('agor.pick').one({ 'Start there', 'Cancel' }, {
    prompt = ('An agent in %s sees everything below it:'):format(dir),
  }, function(choice)
    if choice == 'Start there' then
      agreed[dir] = true
      go()
    end
  end)
end

---Starts a session in the project, or where `opts.cwd` says.
---@param opts agor.StartOptions
---@param taken agor.Selection|nil goes along with the prompt
---@param done? fun(id: string)
function M.start(opts, taken, done)
  require('agor.config').refresh()
  ---@param dir string
  local function go(dir)
    if taken then
      opts.context = { context.for_session(taken, dir) }
    end
    local id, failed = require('agor').start(opts)
    if not id then
      return message.error(failed or 'the session could not be started')
    end
    if done then
      done(id)
    end
  end
  if opts.cwd then
    return go(opts.cwd)
  end
  local dir = project.root()
  opts.cwd = dir
  wide(dir, function()
    go(dir)
  end)
end

---The first word looks like a misspelt provider.
---@param word string
---@param name string the provider that it may mean
---@param go fun(provider: string|nil) nil: it belongs to the prompt
function M.doubt(word, name, go)
  if not can_ask() then
    return message.error(
      ('unknown provider "%s" (did you mean "%s"?); `--` before the prompt lets it begin with any word'):format(
        word,
        name
      )
    )
  end
  local meant, prompt = 'Start ' .. name, ('"%s" begins the prompt'):format(word)
  require('agor.pick').one({ meant, prompt, 'Cancel' }, {
    prompt = ('"%s" is no provider. Did you mean "%s"?'):format(word, name),
  }, function(choice)
    if choice == meant then
      go(name)
    elseif choice == prompt then
      go(nil)
    end
  end)
end

return M
