# Renders one ERB template as create-env does: with the job's declared properties, an instance without links, no network
# address, and an error for every property that the spec does not declare. With `links` as a Director does it: it has
# links, and `spec` is laid over that of the instance.
#
# stdin:  {"template": path, "job": name, "deployment": name, "address": ip, "properties": {…}, "defaults": {"a.b": value, …},
#          "spec": {…}, "links": {name: {…}}}, the last two for a Director
# stdout: {"text": rendered, "read": [names of the properties that were looked up]}

require "erb"
require "json"
require "ostruct"

class Instance
  class UnknownProperty < StandardError; end

  # What if_p and if_link answer, for `.else` and `.else_if_p`: `met` when the first branch ran.
  Branch = Struct.new(:instance, :met) do
    def else
      yield unless met
    end

    def else_if_p(*names, &block)
      met ? self : instance.if_p(*names, &block)
    end
  end

  attr_reader :spec, :properties, :read

  def initialize(request)
    @declared = request["defaults"].keys
    @values = merge(request["properties"], request["defaults"])
    @properties = JSON.parse(JSON.generate(@values), object_class: OpenStruct)
    @spec = JSON.parse(JSON.generate(
      "index" => 0, "id" => "3c9a4a1e-0000-4000-8000-000000000000", "az" => "unknown", "bootstrap" => true,
      "job" => {"name" => request["job"]}, "deployment" => request["deployment"], "address" => request["address"],
      "networks" => {"default" => {"ip" => "", "netmask" => "", "gateway" => ""}}
    ), object_class: OpenStruct)
    @read = []
  end

  def name
    spec.job.name
  end

  def index
    spec.index
  end

  def p(names, *default)
    Array(names).each do |name|
      value = look_up(name)
      return value unless value.nil?
    end
    return default.first unless default.empty?

    raise UnknownProperty, "Can't find property '#{Array(names).join("' or '")}'"
  end

  def if_p(*names)
    values = names.map { |name| look_up(name) }
    return Branch.new(self, false) if values.any?(&:nil?)

    yield(*values)
    Branch.new(self, true)
  end

  # There are no links in create-env. `link` does not exist there at all.
  def if_link(_name)
    false
  end

  # What a Director's instance has beside.
  class OfDirector < Instance
    def initialize(request)
      super
      @links = request["links"]
      @spec = JSON.parse(JSON.generate(@spec.to_h.transform_keys(&:to_s).merge(request["spec"])), object_class: OpenStruct)
    end

    def link(name)
      JSON.parse(JSON.generate(@links.fetch(name)), object_class: OpenStruct)
    end

    def if_link(name)
      return Branch.new(self, false) unless @links.key?(name)

      yield link(name)
      Branch.new(self, true)
    end
  end

  def result(template)
    erb = ERB.new(File.read(template), trim_mode: "-")
    erb.filename = template
    erb.result(binding)
  end

  private

  def look_up(name)
    @read << name
    name.split(".").reduce(@values) { |value, key| value.nil? ? nil : value[key] }
  end

  # Only declared properties are visible, each from the manifest or else with its default.
  def merge(given, defaults)
    defaults.each_with_object({}) do |(name, default), values|
      *path, last = name.split(".")
      value = (path + [last]).reduce(given) { |section, key| section.nil? ? nil : section[key] }
      path.reduce(values) { |section, key| section[key] ||= {} }[last] = value.nil? ? default : value
    end
  end
end

request = JSON.parse($stdin.read)
instance = (request["links"] ? Instance::OfDirector : Instance).new(request)
puts JSON.generate("text" => instance.result(request["template"]), "read" => instance.read.uniq)
